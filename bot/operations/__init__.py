"""What a change goes through on its way: preflight, confirmation, approval, running once, and the audit trail."""
