"""What runs in processes of their own, from a private copy: the kernel next to the handed-in code (start_kernel, calls,
colab, pip), the judge out of its reach (judge), and what they say to each other (wire)."""
