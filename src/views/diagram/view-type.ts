/** As package.json's activation event onWebviewPanel names it. */
export const DIAGRAM_VIEW = 'serviceTraffic.diagram';
