import { EnvironmentParser } from '@geekmidas/envkit';
const parser = new EnvironmentParser(process.env as Record<string, string>);
const { port } = await Promise.resolve(parser.create((get) => ({ port: get('PORT').coerce.number().int() })).parse());
export default async () => { if (typeof port !== 'number') throw new Error('no port'); };
