import { config } from '@shop/config';
import { mail } from '@shop/config/mail';
console.log(config.port, mail);
