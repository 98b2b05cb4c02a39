import './first';
import './second';
