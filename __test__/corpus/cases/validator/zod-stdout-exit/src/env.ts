import { z } from 'zod';
const r = z.object({ API_KEY: z.string() }).safeParse(process.env);
if (!r.success) { console.log('Invalid env', r.error.issues); process.exit(1); }
export const env = r.data;