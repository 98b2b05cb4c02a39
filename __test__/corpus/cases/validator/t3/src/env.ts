import { createEnv } from '@t3-oss/env-core';
import { z } from 'zod';
export const env = createEnv({ server: { STRIPE_KEY: z.string().min(1), APP_ENV: z.enum(['dev', 'stage', 'prod']), MAX: z.coerce.number().min(5), LOG: z.string().default('x') }, runtimeEnv: process.env, emptyStringAsUndefined: true });