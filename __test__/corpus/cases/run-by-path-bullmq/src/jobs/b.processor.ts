import type { Job } from 'bullmq';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser({ ...process.env })
  .create((get) => ({
    b_key: get('B_KEY').string(),
  }))
  .parse();
export default async (job: Job) => [job.id, config.b_key];
