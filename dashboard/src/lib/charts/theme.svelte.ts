/** Counts changes of the colours, so that a canvas is drawn again. */
export const theme = $state({ version: 0 });

export function watchTheme(): () => void {
  const changed = (): void => {
    theme.version += 1;
  };
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', changed);
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  return () => {
    media.removeEventListener('change', changed);
    observer.disconnect();
  };
}
