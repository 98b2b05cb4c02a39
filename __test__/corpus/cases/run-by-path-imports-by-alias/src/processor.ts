import { secret } from '@/secret';

const key = secret('mail');
export default async () => key;
