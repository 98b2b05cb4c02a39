import { config } from '@/config';
import { mailer } from '@shop/mail';
console.log(config.port, mailer);
