import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').coerce.number().int().min(1).max(65535),
    mode: get('MODE').enum(['one', 'two']),
    kind: get('KIND').literal('exact'),
    url: get('PAGE').string().url(),
    mail: get('MAIL').string().email(),
    id: get('ID').string().uuid(),
    secret: get('SECRET').string().min(64),
    short: get('SHORT').string().max(3),
    code: get('CODE').string().regex(/^sk_(live|test)_[a-zA-Z0-9]{24,}$/),
    stripe: get('STRIPE').string().startsWith('pk_'),
    list: get('LIST').string().transform((value) => value.split(',')).pipe(get('LIST').array(get('LIST').string().url())),
    json: get('JSON').string().transform((value) => JSON.parse(value)).pipe(get('JSON').object({ a: get('JSON').string() })),
    date: get('DATE').coerce.date(),
    even: get('EVEN').coerce.number().refine((value) => value % 2 === 0),
    flag: get('FLAG').string().transform((value) => value === 'true'),
    either: get('EITHER').union([get('EITHER').literal('a'), get('EITHER').string().url()]),
    big: get('BIG').coerce.bigint(),
  }))
  .parse();

const checks = [
  Number.isInteger(config.port) && config.port > 0,
  ['one', 'two'].includes(config.mode),
  config.kind === 'exact',
  new URL(config.url) && config.mail.includes('@'),
  /^[0-9a-f-]{36}$/.test(config.id),
  config.secret.length >= 64 && config.short.length <= 3,
  config.code.startsWith('sk_live_') && config.stripe.startsWith('pk_'),
  config.list.every((item: string) => new URL(item)),
  typeof config.json.a === 'string',
  config.date instanceof Date && !Number.isNaN(config.date.getTime()),
  config.even % 2 === 0,
  typeof config.flag === 'boolean' && typeof config.big === 'bigint',
];
if (checks.includes(false)) throw new Error(JSON.stringify(checks));
