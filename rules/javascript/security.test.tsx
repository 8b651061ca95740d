import React from 'react';

export function Comment({ html, text }: { html: string; text: string }) {
  // ruleid: javascript.react-dangerous-html
  const raw = <div dangerouslySetInnerHTML={{ __html: html }} />;
  // ok: javascript.react-dangerous-html
  const clean = <div dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(html) }} />;
  // ok: javascript.react-dangerous-html
  const plain = <div>{text}</div>;
  return raw;
}
