'use strict';

// Makes texts that a regular expression matches: enough of the language for what environment schemas hold (literals,
// classes, groups, alternatives, counts), and nothing for what it does not know.

function* sample(pattern) {
  for (const count of [0, 1, 8]) {
    let text;
    try {
      text = new Sampler(pattern.source, count).alternatives();
    } catch {
      return;
    }
    if (new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(text)) yield text;
  }
}

const CLASSES = { d: '5', w: 'a', s: ' ', D: 'a', W: '-', S: 'a', b: '', B: '', t: '\t', n: '\n', r: '\r' };

class Sampler {
  constructor(source, extra) {
    this.source = source;
    this.extra = extra;
    this.at = 0;
  }

  get next() {
    return this.source[this.at];
  }

  // The first alternative; the others are read and left.
  alternatives() {
    const first = this.sequence();
    while (this.next === '|') {
      this.at++;
      this.sequence();
    }
    return first;
  }

  sequence() {
    let text = '';
    while (this.at < this.source.length && this.next !== '|' && this.next !== ')') text += this.repeated();
    return text;
  }

  repeated() {
    const start = this.at;
    const atom = this.atom();
    const [minimum, maximum] = this.quantifier();
    const times = Math.min(maximum, minimum + (minimum === maximum ? 0 : this.extra));
    // A class is drawn anew each time only where that would matter; repeating one letter matches all the same.
    return start === this.at ? '' : atom.repeat(Math.min(times, 4096));
  }

  quantifier() {
    const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.source.slice(this.at));
    if (match === null) return [1, 1];
    this.at += match[0].length;
    if (match[1] !== undefined) return { '*': [0, Infinity], '+': [1, Infinity], '?': [0, 1] }[match[1]];
    const minimum = Number(match[2]);
    return [minimum, match[3] === '' ? minimum : match[4] === '' ? Infinity : Number(match[4])];
  }

  atom() {
    const letter = this.source[this.at++];
    if (letter === '^' || letter === '$') return '';
    if (letter === '.') return 'a';
    if (letter === '\\') return this.escape();
    if (letter === '[') return this.characterClass();
    if (letter === '(') return this.group();
    return letter;
  }

  escape() {
    const letter = this.source[this.at++];
    if (/[1-9kpPux]/.test(letter)) throw new Error('not known');
    return CLASSES[letter] ?? letter;
  }

  group() {
    const kind = /^\?(?::|<[A-Za-z]\w*>|[=!]|<[=!])/.exec(this.source.slice(this.at))?.[0] ?? '';
    this.at += kind.length;
    const inner = this.alternatives();
    this.at++;
    // What looks around consumes nothing; the result is tested in the end.
    return kind.endsWith('=') || kind.endsWith('!') ? '' : inner;
  }

  characterClass() {
    const end = this.closing();
    const body = this.source.slice(this.at, end);
    this.at = end + 1;
    const matcher = new RegExp(`[${body}]`);
    const found = [...'aA5f0-_/.:@ ~#+=!z9Z'].find((letter) => matcher.test(letter));
    if (found === undefined) throw new Error('not known');
    return found;
  }

  closing() {
    for (let at = this.at; at < this.source.length; at++) {
      if (this.source[at] === '\\') at++;
      else if (this.source[at] === ']') return at;
    }
    throw new Error('not known');
  }
}

module.exports = { sample };
