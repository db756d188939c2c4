'use strict';
// As in swagger.js, the address is relative.
Redoc.init(
  new URL('openapi.json', document.baseURI).href,
  {
    hideDownloadButton: false,
    expandResponses: '200,201',
    sortPropsAlphabetically: false,
    theme: {
      typography: {
        fontFamily: 'system-ui, sans-serif',
        headings: { fontFamily: 'system-ui, sans-serif' },
        code: { fontFamily: 'ui-monospace, monospace' },
      },
    },
  },
  document.getElementById('reference'),
);
