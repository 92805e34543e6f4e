/** Which layer is open over the page. */
export const overlay = $state<{ open: '' | 'palette' | 'help' }>({ open: '' });

export const openPalette = (): void => {
  overlay.open = 'palette';
};
export const openHelp = (): void => {
  overlay.open = 'help';
};
export const closeOverlay = (): void => {
  overlay.open = '';
};
