import { parser } from '#parser';
export { flags } from '@acme/config/flags';
export const config = parser.create((get) => ({ port: get('PORT').string() })).parse();
