import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();
// parser.create((get) => ({ a: get('IN_COMMENT').string() }))
export const text = "create((get) => get('IN_STRING'))";
export const template = `create((get) => get('IN_TEMPLATE')) ${text}`;
export const other = () => new Map().get('IN_MAP') ?? new Headers().get('IN_HEADERS');
