import { mail } from '@shop/config/dist/mail';
console.log(mail);
