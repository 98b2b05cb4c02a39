import { spawn } from 'node:child_process';
spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref();
spawn('sleep', ['600'], { stdio: 'inherit' });
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
