import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
	.create((get) => ({
		port: get('PORT').coerce.number(),
		databaseUrl: get('DATABASE_URL').url(),
		auth: {
			url: get('BETTER_AUTH_URL').url(),
			secret: get('BETTER_AUTH_SECRET').string().min(32),
			trustedOrigins: get('BETTER_AUTH_TRUSTED_ORIGINS')
				.string()
				.transform((origins) => origins.split(',')),
		},
	}))
	.parse();
