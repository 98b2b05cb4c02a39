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
    i: get('I').string().prefault('x'),
    j: get('J').string().or(get('J').undefined()),
    k: get('K').coerce.boolean(),
    l: get('L').preprocess((value) => value ?? 'x', get('L').string()),
    m: get('M').coerce.string(),
    o: get('O').stringbool(),
    p: get('P').string().optional().pipe(get('P').string().optional()),
  }))
  .parse();
