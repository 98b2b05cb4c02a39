import { EnvironmentParser } from '@geekmidas/envkit';

export const parser = new EnvironmentParser({ ...import.meta.env });
