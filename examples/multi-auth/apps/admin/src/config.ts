import { EnvironmentParser } from '@geekmidas/envkit';

/** Public: Vite builds these values into what browsers load. */
export const config = new EnvironmentParser({ ...import.meta.env })
	.create((get) => ({
		apiUrl: get('VITE_API_URL').url(),
		authUrl: get('VITE_ADMIN_AUTH_URL').url(),
	}))
	.parse();
