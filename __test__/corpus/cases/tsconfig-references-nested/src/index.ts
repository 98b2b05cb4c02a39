import { config } from '~app/config';

const mark = (): ClassDecorator => () => {};
@mark()
class App { port = config.port; }
console.log(new App());
