import type { Job } from 'bullmq';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    a_key: get('A_KEY').string(),
  }))
  .parse();
export default async (job: Job) => [job.id, config.a_key];
