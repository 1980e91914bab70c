"""The BiLSTM student, after 1910.01769."""
