import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
	.create((get) => ({
		port: get('PORT').coerce.number(),
		databaseUrl: get('DATABASE_URL').url(),
		redisUrl: get('REDIS_URL').url(),
	}))
	.parse();
