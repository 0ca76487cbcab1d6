"""Making a repair model: damage clean text, fine-tune, export. Needs the extra ``train``; nothing else imports it."""
