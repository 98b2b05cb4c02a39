export function info(text: string) { write(text); }
function write(text: string) { console.log(text); }
