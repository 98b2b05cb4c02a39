import { z } from 'zod';
const r = z.object({ API_KEY: z.string(), ORIGIN: z.url() }).safeParse(process.env);
if (!r.success) { console.error('Invalid env', z.flattenError(r.error).fieldErrors); process.exit(1); }
export const env = r.data;