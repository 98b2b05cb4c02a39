import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    a: get('A').string().optional(),
    b: get('B').string().default('x'),
    d: get('D').string().catch('x'),
    f: get('F').string().optional().transform((value) => value ?? 'x'),
    p: get('P').string().transform(Number).pipe(get('P').number().int().min(10)),
    e: get('E').enum(['x', 'y']),
    u: get('U').string().url().refine((value) => value.startsWith('https://')),
    m: get('M').string().regex(/^[A-Z]{3}-\d{4}$/),
    l: get('L').string().length(10),
    n: get('N').preprocess((value) => Number(value), get('N').number().positive()),
  }))
  .parse();
if (!Number.isInteger(config.p) || !['x', 'y'].includes(config.e) || !new URL(config.u) || config.l.length !== 10 || !(config.n > 0)) throw new Error(JSON.stringify(config));
