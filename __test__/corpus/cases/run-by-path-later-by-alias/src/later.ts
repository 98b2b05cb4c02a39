import { secret } from '@/secret';
export default () => secret.later_key;
