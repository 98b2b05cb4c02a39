import './check';
import './config';
