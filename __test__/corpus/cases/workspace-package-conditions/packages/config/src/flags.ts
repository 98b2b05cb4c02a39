import { parser } from '#parser';
export const flags = parser.create((get) => ({ beta: get('BETA').string() })).parse();
