"""Media of titles: covers in Cloudinary, chosen and attached."""
