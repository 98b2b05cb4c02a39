export const db = { serviceName: 'database' as const, async register({ envParser }: any) { return envParser.create((get: any) => ({ url: get('DATABASE_URL').string() })).parse(); } };
export const stripe = { serviceName: 'stripe' as const, async register({ envParser }: any): Promise<any> { const c = envParser.create((get: any) => ({ key: get('STRIPE_KEY').string() })).parse(); return c; } };
export class MailService { readonly serviceName = 'mail'; async register({ envParser }: any) { return envParser.create((get: any) => ({ key: get('MAIL_KEY').string() })).parse(); } }
