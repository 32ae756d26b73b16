/** Fits the server's page of statistics into a webview. */

const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
/** The colours of the user's theme, after the page's own. */
const THEME = `<style>
body { color: var(--vscode-foreground); background: var(--vscode-editor-background) }
th, td { border-color: var(--vscode-widget-border, #8884) }
text { fill: var(--vscode-descriptionForeground) }
</style>`;

/** Returns the page with a policy that forbids scripts, links and pictures from elsewhere. */
export function themed(html: string): string {
  return html
    .replace(/<head>/i, (head) => head + POLICY)
    .replace(/<\/head>/i, (end) => THEME + end);
}
