import { z } from 'zod';
export const env = z.object({ API_KEY: z.string(), ORIGIN: z.url() }).parse({ ...process.env });