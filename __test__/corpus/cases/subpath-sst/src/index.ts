import { environmentCase, ResourceType } from '@geekmidas/envkit/sst';
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
if (environmentCase('myVar') !== 'MY_VAR' || !ResourceType.Secret) throw new Error('sst');
