import { EnvironmentParser } from '@geekmidas/envkit';
export const config = new EnvironmentParser(process.env).create((get) => {
  const port = get('PORT').coerce.number().parse(undefined);
  return { url: get('URL').string().default(`http://localhost:${port.toFixed(0)}`) };
}).parse();
