import { mail } from '@/config';

const mark = (): ClassDecorator => () => {};
@mark()
class Mailer { constructor(readonly url: string) {} }
export const mailer = new Mailer(mail.mail_url);
