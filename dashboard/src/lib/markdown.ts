/** Markdown of a logged reply to HTML that can do nothing: no scripts, styles, forms, frames, and nothing fetched. Browser only. */
import DOMPurify from 'dompurify';
import { marked } from 'marked';

const purify = DOMPurify(window);

purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return;
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer nofollow');
});

const allowed = {
  ALLOWED_TAGS: [
    'p',
    'br',
    'b',
    'strong',
    'i',
    'em',
    'del',
    's',
    'code',
    'pre',
    'ul',
    'ol',
    'li',
    'blockquote',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'hr',
    'table',
    'thead',
    'tbody',
    'tr',
    'th',
    'td',
    'a',
    'sup',
    'sub',
  ],
  ALLOWED_ATTR: ['href', 'start', 'align'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

export function renderMarkdown(text: string): string {
  // Raw HTML in a reply is shown as the text that it is, not taken as markup.
  const escaped = marked.parse(text, { async: false, gfm: true, breaks: true, renderer: rendererWithoutHtml });
  return purify.sanitize(escaped, allowed);
}

const rendererWithoutHtml = new marked.Renderer();
rendererWithoutHtml.html = ({ text }) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
rendererWithoutHtml.image = ({ href, text }) => `[${escape(text || 'image')}: ${escape(href)}]`;

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
