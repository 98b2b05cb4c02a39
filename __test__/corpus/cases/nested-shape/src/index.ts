import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    server: { port: get('PORT').string().transform(Number), host: get('HOST').string() },
    database: { pool: { size: get('DB_POOL_SIZE').coerce.number().default(5) } },
    fixed: 'text',
  }))
  .parse();
if (typeof config.server.port !== 'number' || config.database.pool.size !== 5) throw new Error('shape');
