import type { Job } from 'bullmq';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    c_key: get('C_KEY').string(),
  }))
  .parse();
export default async (job: Job) => [job.id, config.c_key];
