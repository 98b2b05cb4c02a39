export let total = 0;
export function add() { total += 1; }
export default class { name = 'anonymous'; }
