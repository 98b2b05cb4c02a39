import { createEnv } from '@t3-oss/env-core';
import { z } from 'zod';
export const env = createEnv({ server: { STRIPE_KEY: z.string().min(1) }, clientPrefix: 'PUBLIC_', client: { PUBLIC_URL: z.url() }, runtimeEnvStrict: { STRIPE_KEY: process.env.STRIPE_KEY, PUBLIC_URL: process.env.PUBLIC_URL } });