import { parser } from '@/config/parser.ts';
import { Kind } from '@/kinds';

export const client = parser.create((get) => ({ url: get('VITE_API_URL').string(), kind: Kind })).parse();
