"""The transformer student: small and BERT-shaped, or some of a teacher's layers."""
