import * as envkit from '@geekmidas/envkit';

export const config = new envkit.EnvironmentParser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
