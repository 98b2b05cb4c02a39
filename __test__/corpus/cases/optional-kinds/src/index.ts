import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    a: get('A').string().optional(),
    b: get('B').string().default('x'),
    c: get('C').string().nullish(),
    d: get('D').string().catch('x'),
    e: get('E').string().transform(Number).optional(),
    f: get('F').string().optional().transform((value) => value ?? 'x'),
    g: get('G').string().transform(Number).default(1),
    h: get('H').union([get('H').string(), get('H').undefined()]),
    r: get('R').string(),
    n: get('N').string().nullable(),
  }))
  .parse();
