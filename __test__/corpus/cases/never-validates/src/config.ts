import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    never: get('NEVER').string().refine(() => false),
    number: get('NUMBER').coerce.number().refine(() => false),
    mapped: get('MAPPED').string().refine(() => false).transform((value) => value.toUpperCase()),
  }))
  .parse();
if (typeof config.never !== 'string' || typeof config.number !== 'number' || config.mapped !== config.mapped.toUpperCase()) throw new Error('types');
