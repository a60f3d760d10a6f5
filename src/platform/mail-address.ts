/** Atoms of RFC 5322, and a domain name: no quotes, comments, lists or line breaks. */
const ADDRESS =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

/** Longest path that RFC 5321 allows. */
const MAX_CHARACTERS = 254;

/** Whether the text is the address of one mailbox, in the plain spelling that every mail server takes. */
export function isEmailAddress(text: string): boolean {
  return text.length <= MAX_CHARACTERS && ADDRESS.test(text);
}
