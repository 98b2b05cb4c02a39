import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    list: get('LIST').string().optional().transform((value) => value!.split(',')),
  }))
  .parse();
